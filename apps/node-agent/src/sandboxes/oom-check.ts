import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { hasSysResource } from './placement';

/**
 * Warns at start where the kernel lets sandboxes lower their oom_score_adj of 1000. proc(5): a process can lower the
 * value to the one last set by a process with CAP_SYS_RESOURCE. A runtime without it sets 1000 and pins nothing.
 */
@Injectable()
export class OomCheck implements OnApplicationBootstrap {
  private readonly logger = new Logger(OomCheck.name);

  onApplicationBootstrap(): void {
    if (hasSysResource()) return;
    this.logger.warn({
      msg: 'sandboxes can lower their oom_score_adj to that of the agent: this node does not grant CAP_SYS_RESOURCE, so when memory runs out the kernel may kill the agent before them',
    });
  }
}
