#include "notification.h"

static void *smtp_open(struct instance *instance)
{
    return instance;
}

static void smtp_start(void *driver, const char *id, uint32_t attempt, struct bytes payload, struct effect_done *done)
{
    (void)driver;
    (void)id;
    (void)attempt;
    (void)payload;
    effect_done_call(done, bytes_of_text("451 no mail server is configured"));
}

const struct effect_driver notification_driver = {smtp_open, smtp_start};
