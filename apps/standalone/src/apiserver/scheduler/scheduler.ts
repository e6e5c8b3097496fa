import { fieldAt, isJson, type StoredObject } from '../kube-object';
import { type ResourceRest } from '../rest/resource-rest';

/** Binds Pods to the only node as soon as both exist. */
export class Scheduler {
  private readonly endings: (() => void)[] = [];
  private working: Promise<void> = Promise.resolve();
  private queued = false;

  constructor(
    private readonly pods: ResourceRest,
    private readonly nodes: ResourceRest,
  ) {}

  start(): void {
    for (const rest of [this.pods, this.nodes]) {
      this.endings.push(
        rest.watch(
          '',
          () => true,
          rest.revision,
          ({ type }) => {
            if (type !== 'DELETED') this.schedule();
          },
        ),
      );
    }
    this.schedule();
  }

  async stop(): Promise<void> {
    for (const end of this.endings) end();
    await this.working;
  }

  private schedule(): void {
    if (this.queued) return;
    this.queued = true;
    this.working = this.working.then(() => this.bindAll());
  }

  private async bindAll(): Promise<void> {
    this.queued = false;
    const node = this.nodes.list('', isUsable)[0];
    if (!node) return;
    await Promise.all(
      this.pods.list('', isWaiting).map(async ({ metadata: { namespace = '', name } }) => {
        // deleted, or bound meanwhile
        await this.pods.bind(namespace, name, node.metadata.name).catch(() => undefined);
      }),
    );
  }
}

/** Unbound Pods, except for those of another scheduler. */
function isWaiting({ metadata, spec }: StoredObject): boolean {
  const isOurs = fieldAt(spec, ['schedulerName']) === 'default-scheduler';
  return isOurs && metadata.deletionTimestamp === undefined && fieldAt(spec, ['nodeName']) === undefined;
}

function isUsable({ spec, status, metadata }: StoredObject): boolean {
  if (metadata.deletionTimestamp !== undefined || fieldAt(spec, ['unschedulable']) === true) return false;
  const conditions = fieldAt(status, ['conditions']);
  return (
    Array.isArray(conditions) &&
    conditions.some((condition) => isJson(condition) && condition['type'] === 'Ready' && condition['status'] === 'True')
  );
}
