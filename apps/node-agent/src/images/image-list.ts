import { Logger } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type ImageStore } from '@fsb/containerd/image-store';
import { type SandboxTable } from '../sandboxes/sandbox-table';

/** The names of the node's images, refreshed by containerd's events about images. */
export class ImageList {
  private readonly logger = new Logger(ImageList.name);
  private names: readonly string[] | null = null;
  private running: Promise<void> | undefined;
  private again = false;

  constructor(
    private readonly store: ImageStore,
    private readonly table: SandboxTable,
  ) {}

  /** null: not listed yet */
  get current(): readonly string[] | null {
    return this.names;
  }

  /** Drops cached tags, since no event reports changes any more. */
  disconnected(): void {
    this.store.tagsChanged();
  }

  /** Lists the images again. Coalesces calls: the handful of events of a pull cause at most two lists. */
  refresh(): Promise<void> {
    this.store.tagsChanged();
    if (this.running) this.again = true;
    this.running ??= this.ask().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async ask(): Promise<void> {
    do {
      this.again = false;
      try {
        this.publish((await this.store.list()).sort());
      } catch (error) {
        this.logger.warn({ msg: 'images were not listed', error: messageOf(error) }); // the next (re)connection asks again
      }
    } while (this.wantedAgain());
  }

  private wantedAgain(): boolean {
    return this.again;
  }

  private publish(names: readonly string[]): void {
    if (JSON.stringify(names) === JSON.stringify(this.names)) return;
    this.names = names;
    this.table.publish({ type: 'images', images: names });
  }
}
