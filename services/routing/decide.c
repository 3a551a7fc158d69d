/* Routing takes no commands: all human actions on a case are casework's (design.md 2). */
#include "routing.h"

void routing_decide(struct turn *turn, const Hb__Command *command)
{
    (void)command;
    turn_refuse(turn, 404, "not_found", "分派服务不接受命令", "routing takes no commands");
}
