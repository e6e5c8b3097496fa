/**
 * By which ids containerd knows sandboxes: their own, but for those that were started in a container which had waited for
 * them. Whoever speaks of sandboxes may use their ids everywhere; an id that is not known is containerd's own.
 */
export class ContainerIds {
  private readonly containers = new Map<string, string>();
  private readonly sandboxes = new Map<string, string>();

  pair(sandboxId: string, containerId: string): void {
    if (sandboxId === containerId) return;
    this.containers.set(sandboxId, containerId);
    this.sandboxes.set(containerId, sandboxId);
  }

  forget(sandboxId: string): void {
    this.sandboxes.delete(this.containerOf(sandboxId));
    this.containers.delete(sandboxId);
  }

  containerOf(sandboxId: string): string {
    return this.containers.get(sandboxId) ?? sandboxId;
  }

  sandboxOf(containerId: string): string {
    return this.sandboxes.get(containerId) ?? containerId;
  }
}
