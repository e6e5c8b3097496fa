import { type AgentStatus } from '@fsb/agent-api/agent-api';
import { type AgentConfig } from '../agent.config';
import { type ImageList } from '../images/image-list';
import { type Admission } from '../sandboxes/admission';
import { type SandboxTable } from '../sandboxes/sandbox-table';
import { type StandbyContainers } from '../standby/standby-containers';

export interface SnapshotSources {
  readonly config: AgentConfig;
  readonly admission: Admission;
  readonly table: SandboxTable;
  readonly images: ImageList;
  readonly warm: Pick<StandbyContainers, 'images'>;
}

/** The agent's status. Taken from memory, without a call to containerd. */
export class StatusSnapshot {
  constructor(private readonly sources: SnapshotSources) {}

  take(): AgentStatus {
    const { config, admission, table, images, warm } = this.sources;
    return {
      agentId: config.podName,
      agentUid: config.podUid,
      nodeName: config.nodeName,
      capacity: config.agentCapacity,
      allocated: admission.allocated,
      draining: admission.draining,
      free: admission.free(),
      images: images.current,
      waiting: warm.images,
      sandboxStatuses: table.list(),
    };
  }
}
