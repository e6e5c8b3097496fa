import { type ContainerdClient } from '@fsb/containerd/containerd-client';

const FILTER = 'topic=="/containers/delete"';

/** Hears from containerd which containers are gone: who asks again and again is a load of its own. */
export class Removals {
  private readonly waiting = new Map<string, () => void>();
  private readonly stopping = new AbortController();

  constructor(client: ContainerdClient) {
    void this.listen(client);
  }

  /** Resolves when that container is removed, from now on. */
  of(id: string): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
    });
  }

  end(): void {
    this.stopping.abort();
  }

  private async listen(client: ContainerdClient): Promise<void> {
    const { signal } = this.stopping;
    for await (const { event } of client.stream(() => client.events.subscribe({ filters: [FILTER] }), signal)) {
      const id = idOf(event?.value ?? Buffer.alloc(0));
      this.waiting.get(id)?.();
      this.waiting.delete(id);
    }
  }
}

/** containerd.events.ContainerDelete has one field: `string id = 1`, whose length is one byte here. */
function idOf(message: Uint8Array): string {
  return Buffer.from(message.subarray(2, 2 + (message[1] ?? 0))).toString('utf8');
}
