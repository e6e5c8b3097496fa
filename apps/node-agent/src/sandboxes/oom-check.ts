import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { hasSysResource } from './placement';

/**
 * Says at start where the kernel lets sandboxes out of their oom_score_adj of 1000. proc(5): the value can be lowered to the one
 * that a process with CAP_SYS_RESOURCE has set last. A runtime without that capability sets 1000 and pins nothing.
 */
@Injectable()
export class OomCheck implements OnApplicationBootstrap {
  private readonly logger = new Logger(OomCheck.name);

  onApplicationBootstrap(): void {
    if (hasSysResource()) return;
    this.logger.warn({
      msg: 'sandboxes can lower their oom_score_adj to that of the agent: this node gives nobody CAP_SYS_RESOURCE, so where it runs out of memory the agent may go before them',
    });
  }
}
