#ifndef AEPLUGIN_TORCH_BRIDGE_H
#define AEPLUGIN_TORCH_BRIDGE_H

#include <stddef.h>

/* What libaeplugin_torch gives to the core: plain C, so that LibTorch's headers and C++ standard stay behind it.
   A function that fails returns null or a value other than 0 and writes a message of at most `size` bytes. */
extern "C" {

struct aeplugin_torch_network;

aeplugin_torch_network *aeplugin_torch_open(const char *path, char *message, size_t size);
/* Runs n rows; fails unless the network gives n x outputs floats. */
int aeplugin_torch_run(const aeplugin_torch_network *network, const float *in, size_t n, size_t inputs, float *out,
                       size_t outputs, char *message, size_t size);
void aeplugin_torch_close(aeplugin_torch_network *network);
}

#endif
