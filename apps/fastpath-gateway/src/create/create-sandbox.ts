import { ApiError, isApiError } from '@fsb/api/errors';
import { type CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { NoRoomError } from '@fsb/placement/no-room';
import { requirePoolsRegistry } from '@fsb/placement/pool-registries';
import { LimitError } from '@fsb/quota/limits';
import { type ShortageTracker } from '../shortage/shortage-tracker';
import { type NamespaceQuota } from '../quota/namespace-quota';
import { type Catalog } from '../sandboxes/catalog';
import { type GatewayMetrics } from '../gateway.metrics';
import { type CreatedSandbox, type CreateMode } from './create-mode';
import { validateCreate, type ValidatedCreate, type CreateDefaults, withPoolDefaults } from './validated-create';
import { type CreateInFlight, type CreatesInFlight } from './creates-in-flight';
import { type PoolLookup } from './pool-lookup';
import { type RequestIds } from './request-ids';

export interface CreateParts {
  readonly defaults: () => CreateDefaults;
  readonly catalog: Catalog;
  readonly underWay: CreatesInFlight;
  readonly requestIds: RequestIds;
  readonly pools: PoolLookup;
  readonly quota: NamespaceQuota;
  readonly modes: { readonly fast: CreateMode; readonly strong: CreateMode };
  readonly metrics: GatewayMetrics;
  readonly demand: ShortageTracker;
}

/** Creates sandboxes: checks the request, holds its name while it is in flight, and runs its mode. */
export class CreateSandbox {
  constructor(private readonly parts: CreateParts) {}

  /**
   * @param signal aborts when the caller leaves
   * @param deadline Unix milliseconds
   * @throws ApiError invalid_argument, naming the field and what is allowed
   * @throws ApiError not_found, when there is no such pool, image or command
   * @throws ApiError already_exists, when the name is taken
   * @throws LimitError (resource_exhausted) for a quota, a rate or a bound of creates in flight
   * @throws NoRoomError when no agent has room
   * @throws ApiError unavailable, before the caches are filled
   * @throws ApiError deadline_exceeded, when the deadline passed or the caller left
   * @throws ApiError aborted, when the sandbox was deleted meanwhile
   */
  async create(request: CreateRequest, signal: AbortSignal, deadline: number): Promise<CreatedSandbox> {
    const started = performance.now();
    const order = validateCreate(request, this.parts.defaults());
    const checkedMs = performance.now() - started;
    try {
      this.parts.quota.countCreate(order.namespace);
      const made = await this.parts.underWay.during(order, { signal, deadline }, (course) =>
        this.madeOnce(order, course),
      );
      const stages = [{ name: 'validate', ms: checkedMs }, ...made.stages];
      this.parts.metrics.created(order.mode, 'ok', (performance.now() - started) / 1000);
      this.parts.metrics.stages(stages);
      this.parts.demand.met({ ...order, givenName: request.name });
      return { ...made, stages };
    } catch (error) {
      const answer = signal.aborted && !isApiError(error) ? leftOpen(order) : error;
      const code = isApiError(answer) ? answer.code : 'internal';
      this.parts.metrics.created(order.mode, code, (performance.now() - started) / 1000);
      if (error instanceof LimitError) this.parts.metrics.limited(error.limited);
      if (error instanceof NoRoomError) this.parts.demand.refused({ ...order, givenName: request.name });
      throw answer;
    }
  }

  private madeOnce(order: ValidatedCreate, course: CreateInFlight): Promise<CreatedSandbox> {
    const { namespace, requestId } = order;
    if (requestId === '') return this.make(order, course);
    return this.parts.requestIds.once(namespace, requestId, async () => {
      const { signal, deadline } = course;
      const earlier = await this.parts.requestIds.earlier(order, signal, deadline);
      return earlier ?? this.makeOrJoin(order, course);
    });
  }

  /**
   * Makes a sandbox; if its name is taken, answers with the sandbox that another replica has just made for this
   * request.
   */
  private async makeOrJoin(order: ValidatedCreate, course: CreateInFlight): Promise<CreatedSandbox> {
    try {
      return await this.make(order, course);
    } catch (error) {
      if (!isApiError(error, 'already_exists')) throw error;
      const written = await this.parts.requestIds.written(order, course.signal, course.deadline);
      if (!written) throw error;
      return written;
    }
  }

  private async make(order: ValidatedCreate, course: CreateInFlight): Promise<CreatedSandbox> {
    const { namespace, name, mode } = order;
    course.requireWanted();
    if (this.parts.underWay.isHeld(`${namespace}/${name}`) || this.parts.catalog.isKnown(namespace, name))
      throw nameTaken(order);
    course.holdsName = true;
    const pool = await this.parts.pools.require(order, course.deadline);
    requirePoolsRegistry(order.image, pool);
    const whole = withPoolDefaults(order, pool);
    const create = (): Promise<CreatedSandbox> => this.parts.modes[mode].create({ order: whole, pool }, course);
    const made = await this.parts.quota.during(whole, create).catch((error: unknown) => {
      // the API server may know another replica's object before this replica's watch does
      throw isApiError(error, 'already_exists') ? nameTaken(order, error) : error;
    });
    course.requireWanted();
    return made;
  }
}

function nameTaken({ name, namespace }: ValidatedCreate, cause?: unknown): ApiError {
  const what = `name: sandbox "${name}" already exists in namespace "${namespace}"`;
  return new ApiError('already_exists', `${what}; delete it first, or choose another name`, { cause });
}

function leftOpen({ name }: ValidatedCreate): ApiError {
  return new ApiError('deadline_exceeded', `whether sandbox "${name}" exists can be asked by name`);
}
