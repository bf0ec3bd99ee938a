/* The schema of a learning rate's schedule. */
#ifndef ENGRAFT_RECIPE_SCHEDULE_SECTION_H
#define ENGRAFT_RECIPE_SCHEDULE_SECTION_H

#include "recipe/schema.h"

extern const eg_section eg_schedule_schema; /* of an eg_scheduler_section */
extern const eg_word eg_monitor_words[];    /* val/loss and the others */
extern const eg_word eg_direction_words[];  /* auto, min, max */

#endif
