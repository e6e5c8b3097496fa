/**
 * Maps sandbox ids to container ids. They differ only for a sandbox that was started in a standby container. An unknown
 * id is taken to be the same on both sides.
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
