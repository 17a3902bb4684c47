#!/usr/bin/env bash
# Writes a summary as one comment on a pull request: an earlier one with the same marker is updated.
#
#   REPOSITORY    owner/name
#   PULL_REQUEST  its number
#   SUMMARY       Markdown file
#   MARKER        line that tells the comment from others
#   GH_TOKEN      read by gh
set -euo pipefail
body=$(mktemp)
trap 'rm -f "$body"' EXIT
# GitHub refuses comments of more than 65,536 characters.
{ printf '%s\n' "$MARKER"; head -c 60000 "$SUMMARY"; } > "$body"
comments="repos/$REPOSITORY/issues/$PULL_REQUEST/comments"
id=$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$MARKER\")) | .id" | head -n 1)
if [ -n "$id" ]; then
    gh api --method PATCH "repos/$REPOSITORY/issues/comments/$id" --field "body=@$body" > /dev/null
else
    gh api --method POST "$comments" --field "body=@$body" > /dev/null
fi
