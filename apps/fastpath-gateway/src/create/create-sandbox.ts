import { Injectable } from '@nestjs/common';
import { ApiError, isApiError } from '@fsb/api/errors';
import { type CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { viewOfObject } from '../sandboxes/sandbox-view';
import { Catalog } from '../sandboxes/catalog';
import { GatewayMetrics } from '../gateway.metrics';
import { type Created } from './create-mode';
import { createOrder, type CreateOrder, type OrderDefaults } from './create-order';
import { FastCreate } from './fast-create';
import { RequestIds } from './request-ids';
import { StrongCreate } from './strong-create';

/** Checks a request, keeps its name to itself while it is under way, and has it made in its mode. */
@Injectable()
export class CreateSandbox {
  private readonly underWay = new Set<string>();

  constructor(
    private readonly defaults: () => OrderDefaults,
    private readonly catalog: Catalog,
    private readonly requestIds: RequestIds,
    private readonly modes: { readonly fast: FastCreate; readonly strong: StrongCreate },
    private readonly metrics: GatewayMetrics,
  ) {}

  /** @throws ApiError */
  async create(request: CreateRequest, signal: AbortSignal, deadline: number): Promise<Created> {
    const started = performance.now();
    const order = createOrder(request, this.defaults());
    const checkedMs = performance.now() - started;
    try {
      const made = await this.madeOnce(order, signal, deadline);
      const stages = [{ name: 'validate', ms: checkedMs }, ...made.stages];
      this.metrics.created(order.mode, true, (performance.now() - started) / 1000);
      this.metrics.stages(stages);
      return { ...made, stages };
    } catch (error) {
      this.metrics.created(order.mode, false, (performance.now() - started) / 1000);
      if (isApiError(error) || !signal.aborted) throw error;
      throw new ApiError('deadline_exceeded', `whether sandbox "${order.name}" exists can be asked by name`);
    }
  }

  private madeOnce(order: CreateOrder, signal: AbortSignal, deadline: number): Promise<Created> {
    const { namespace, requestId } = order;
    if (requestId === '') return this.make(order, signal, deadline);
    return this.requestIds.once(namespace, requestId, async () => {
      const object = this.requestIds.object(namespace, requestId);
      return object ? { response: viewOfObject(object), stages: [] } : this.make(order, signal, deadline);
    });
  }

  private async make(order: CreateOrder, signal: AbortSignal, deadline: number): Promise<Created> {
    const { namespace, name, mode } = order;
    const key = `${namespace}/${name}`;
    if (this.underWay.has(key) || this.catalog.isKnown(namespace, name)) {
      const message = `name: sandbox "${name}" already exists in namespace "${namespace}"; delete it first, or choose another name`;
      throw new ApiError('already_exists', message);
    }
    this.underWay.add(key);
    try {
      return await this.modes[mode].create(order, signal, deadline);
    } finally {
      this.underWay.delete(key);
    }
  }
}
