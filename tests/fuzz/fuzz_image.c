/* Any bytes as an image file: decoded or refused, without a crash, a leak, or an unset pixel in the result.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "format/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    for (int channels = 1; channels <= 3; channels += 2) {
        eg_image image = {0};
        eg_error err = {0};
        bool ok = eg_image_decode(&image, bytes, size, channels, &err);
        if (ok != (err.code == EG_OK) || ok != (image.pixels != NULL)) abort();
        eg_image_clear(&image);
    }
    return 0;
}
