/* Preprocessing and augmentation steps, with torchvision's names and parameters. */
#ifndef ENGRAFT_RECIPE_TRANSFORM_H
#define ENGRAFT_RECIPE_TRANSFORM_H

#include "recipe/schema.h"

/* `preprocess`: a list of steps without chance, or the short form {resize: 256, size: 224, mean: […], std:
 * […]}, which means resize, center_crop, normalize (resize defaults to size). */
void eg_preprocess_read(eg_schema *in, const eg_doc *doc, eg_transform_list *out);
/* `augment`: a list of random steps. */
void eg_augment_read(eg_schema *in, const eg_doc *doc, eg_transform_list *out);
/* The rows of a step, and whether it belongs under augment; those of the short form {size: 224, mean: …}. */
const eg_section *eg_step_section(eg_transform_kind kind, bool *random);
const eg_section *eg_preprocess_section(void);

#endif
