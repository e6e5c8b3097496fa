import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type Address } from '@fsb/component-base/config';
import { type GatewayCaches } from '../gateway-caches';
import { type GrpcHealth } from './grpc-server';
import { rehearseCreates } from './rehearsal';

const LOOK_MS = 50;

/** Sets the health status: SERVING once caches and agent directory are filled, NOT_SERVING first of all at shutdown. */
export class Serving implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Serving.name);
  private readonly stopping = new AbortController();
  private looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly world: GatewayCaches,
    private readonly health: GrpcHealth,
    private readonly address: Address,
    private readonly isPlaintext: boolean,
  ) {}

  onApplicationBootstrap(): void {
    this.looking = setInterval(() => {
      if (!this.world.isFilled) return;
      clearInterval(this.looking);
      this.health.set('SERVING');
      rehearseCreates(this.address, this.isPlaintext, this.stopping.signal).catch((error: unknown) => {
        this.logger.debug({ msg: 'rehearsal failed; first calls are slower', error: messageOf(error) });
      });
    }, LOOK_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.looking);
    this.stopping.abort();
    this.health.set('NOT_SERVING');
  }
}
