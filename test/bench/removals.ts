import { type ContainerdClient } from '@fsb/containerd/containerd-client';

const FILTER = 'topic=="/containers/delete"';

/** Removed containers, from containerd's events: polling would add load to the measurement. */
export class Removals {
  private readonly waiting = new Map<string, () => void>();
  private readonly stopping = new AbortController();

  constructor(client: ContainerdClient) {
    void this.watch(client);
  }

  /** Resolves when that container is removed. Must be called before the removal. */
  of(id: string): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
    });
  }

  end(): void {
    this.stopping.abort();
  }

  private async watch(client: ContainerdClient): Promise<void> {
    const { signal } = this.stopping;
    for await (const { event } of client.stream(() => client.events.subscribe({ filters: [FILTER] }), signal)) {
      const id = idOf(event?.value ?? Buffer.alloc(0));
      this.waiting.get(id)?.();
      this.waiting.delete(id);
    }
  }
}

/**
 * Container id of a containerd.events.ContainerDelete: its only field is `string id = 1`, here with a one-byte length.
 */
function idOf(message: Uint8Array): string {
  return Buffer.from(message.subarray(2, 2 + (message[1] ?? 0))).toString('utf8');
}
