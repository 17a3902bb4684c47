/* The smallest library that --delegate can load: it writes its options down, and takes no operator over.
   The interface: tensorflow/lite/core/c/common.h and tensorflow/lite/delegates/external. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Delegate {
  void *data;
  int (*prepare)(void *context, struct Delegate *delegate);
  void *copy_from, *copy_to, *free_buffer;
  int64_t flags;
  void *opaque_builder;
} Delegate;

static int prepare(void *context, Delegate *delegate) { return delegate->data != NULL; }

Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*complain)(const char *)) {
  Delegate *delegate = calloc(1, sizeof(Delegate));
  delegate->prepare = prepare;
  for (size_t i = 0; i < count; i++) {
    if (keys[i][0] == 'f') delegate->data = delegate; /* fail=1 */
    if (keys[i][0] != 'r') continue;                  /* report=FILE */
    FILE *file = fopen(values[i], "w");
    fprintf(file, "%zu options\n", count);
    fclose(file);
  }
  return delegate;
}

void tflite_plugin_destroy_delegate(Delegate *delegate) { free(delegate); }
