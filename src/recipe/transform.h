/* Preprocessing and augmentation steps, with torchvision's names and parameters. */
#ifndef ENGRAFT_RECIPE_TRANSFORM_H
#define ENGRAFT_RECIPE_TRANSFORM_H

#include "recipe/schema.h"

/* `preprocess`: a list of steps without chance, or the short form {resize: 256, size: 224, mean: […], std:
 * […]}, which means resize, center_crop, normalize (resize defaults to size). */
void eg_preprocess_read(eg_schema *in, const eg_doc *doc, eg_transform_list *out);
/* `augment`: a list of random steps. */
void eg_augment_read(eg_schema *in, const eg_doc *doc, eg_transform_list *out);

#endif
