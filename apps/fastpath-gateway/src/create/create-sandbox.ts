import { ApiError, isApiError } from '@fsb/api/errors';
import { type CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { NoRoomError } from '@fsb/placement/no-room';
import { requirePoolsRegistry } from '@fsb/placement/pool-registries';
import { LimitError } from '@fsb/quota/limits';
import { type CapacityDemand } from '../demand/capacity-demand';
import { type NamespaceQuota } from '../quota/namespace-quota';
import { type Catalog } from '../sandboxes/catalog';
import { type GatewayMetrics } from '../gateway.metrics';
import { type Created, type CreateMode } from './create-mode';
import { createOrder, type CreateOrder, type OrderDefaults, withPoolDefaults } from './create-order';
import { type CreateCourse, type CreatesUnderWay } from './creates-under-way';
import { type PoolLookup } from './pool-lookup';
import { type RequestIds } from './request-ids';

export interface CreateParts {
  readonly defaults: () => OrderDefaults;
  readonly catalog: Catalog;
  readonly underWay: CreatesUnderWay;
  readonly requestIds: RequestIds;
  readonly pools: PoolLookup;
  readonly quota: NamespaceQuota;
  readonly modes: { readonly fast: CreateMode; readonly strong: CreateMode };
  readonly metrics: GatewayMetrics;
  readonly demand: CapacityDemand;
}

/** Checks a request, keeps its name to itself while it is under way, and has it made in its mode. */
export class CreateSandbox {
  constructor(private readonly parts: CreateParts) {}

  /** @throws ApiError */
  async create(request: CreateRequest, signal: AbortSignal, deadline: number): Promise<Created> {
    const started = performance.now();
    const order = createOrder(request, this.parts.defaults());
    const checkedMs = performance.now() - started;
    try {
      this.parts.quota.takeTurn(order.namespace);
      const made = await this.parts.underWay.during(order, { signal, deadline }, (course) =>
        this.madeOnce(order, course),
      );
      const stages = [{ name: 'validate', ms: checkedMs }, ...made.stages];
      this.parts.metrics.created(order.mode, 'ok', (performance.now() - started) / 1000);
      this.parts.metrics.stages(stages);
      this.parts.demand.met({ ...order, givenName: request.name });
      return { ...made, stages };
    } catch (error) {
      const told = signal.aborted && !isApiError(error) ? leftOpen(order) : error;
      const code = isApiError(told) ? told.code : 'internal';
      this.parts.metrics.created(order.mode, code, (performance.now() - started) / 1000);
      if (error instanceof LimitError) this.parts.metrics.limited(error.limited);
      if (error instanceof NoRoomError) this.parts.demand.refused({ ...order, givenName: request.name });
      throw told;
    }
  }

  private madeOnce(order: CreateOrder, course: CreateCourse): Promise<Created> {
    const { namespace, requestId } = order;
    if (requestId === '') return this.make(order, course);
    return this.parts.requestIds.once(namespace, requestId, async () => {
      const { signal, deadline } = course;
      const earlier = await this.parts.requestIds.earlier(order, signal, deadline);
      return earlier ?? this.makeOrJoin(order, course);
    });
  }

  /** Another replica may have made it a moment ago, and this one not have heard of it. */
  private async makeOrJoin(order: CreateOrder, course: CreateCourse): Promise<Created> {
    try {
      return await this.make(order, course);
    } catch (error) {
      if (!isApiError(error, 'already_exists')) throw error;
      const written = await this.parts.requestIds.written(order, course.signal, course.deadline);
      if (!written) throw error;
      return written;
    }
  }

  private async make(order: CreateOrder, course: CreateCourse): Promise<Created> {
    const { namespace, name, mode } = order;
    course.requireWanted();
    if (this.parts.underWay.isHeld(`${namespace}/${name}`) || this.parts.catalog.isKnown(namespace, name))
      throw nameTaken(order);
    course.holdsName = true;
    const pool = await this.parts.pools.require(order, course.deadline);
    requirePoolsRegistry(order.image, pool);
    const whole = withPoolDefaults(order, pool);
    const create = (): Promise<Created> => this.parts.modes[mode].create({ order: whole, pool }, course);
    const made = await this.parts.quota.during(whole, create).catch((error: unknown) => {
      // of the API server, which knows of another replica's create before this one has heard of it
      throw isApiError(error, 'already_exists') ? nameTaken(order, error) : error;
    });
    course.requireWanted();
    return made;
  }
}

function nameTaken({ name, namespace }: CreateOrder, cause?: unknown): ApiError {
  const what = `name: sandbox "${name}" already exists in namespace "${namespace}"`;
  return new ApiError('already_exists', `${what}; delete it first, or choose another name`, { cause });
}

function leftOpen({ name }: CreateOrder): ApiError {
  return new ApiError('deadline_exceeded', `whether sandbox "${name}" exists can be asked by name`);
}
