import { type Sandbox } from '@fsb/api/sandbox';
import { type Informer } from '@fsb/controller-runtime/informer';
import { keyOf } from '@fsb/controller-runtime/kinds';
import { type AgentDirectory, type ReportedSandbox } from '@fsb/placement/agent-directory';
import { namespaceOf } from '@fsb/placement/agent-reports';
import { type PendingSandbox, type PendingSandboxes } from '../recording/pending-sandboxes';

/** All that this gateway knows of one name. At least one of the three is there. */
export interface KnownSandbox {
  readonly namespace: string;
  readonly name: string;
  readonly object?: Sandbox | undefined;
  readonly pending?: PendingSandbox | undefined;
  /** containers that claim the name */
  readonly reported: readonly ReportedSandbox[];
}

export interface KnownSources {
  readonly sandboxes: Informer<Sandbox>;
  readonly pending: PendingSandboxes;
  readonly directory: AgentDirectory;
}

/** Objects, containers that agents report, and what this gateway is about to write: one view of the three. */
export class KnownSandboxes {
  constructor(private readonly sources: KnownSources) {}

  get(namespace: string, name: string): KnownSandbox | undefined {
    const { sandboxes, pending, directory } = this.sources;
    const key = `${namespace}/${name}`;
    const known = {
      ...{ namespace, name, object: sandboxes.get(key), pending: pending.get(key) },
      reported: directory.findByName(namespace, name),
    };
    return known.object || known.pending || known.reported.length > 0 ? known : undefined;
  }

  /** Reserved on an agent for a caller that gave up waiting: it may come to be, so its name is not free. */
  isReserved(namespace: string, name: string): boolean {
    return this.sources.directory.registry.find(namespace, name) !== undefined;
  }

  /** `namespace/name`, sorted. @param namespace undefined: all */
  keys(namespace: string | undefined): string[] {
    const { sandboxes, pending, directory } = this.sources;
    const keys = new Set(sandboxes.list(namespace).map(keyOf));
    const add = (of: string, name: string | undefined): void => {
      if (name && (namespace === undefined || of === namespace)) keys.add(`${of}/${name}`);
    };
    for (const one of pending.values()) if (one.placement) add(one.namespace, one.name);
    for (const { agent, sandbox } of directory.reports()) add(namespaceOf(agent.id, sandbox), sandbox.claimName);
    return [...keys].sort();
  }
}
