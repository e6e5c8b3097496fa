import { isApiError } from '@fsb/api/errors';
import { microTime } from '@fsb/kit/times';
import { type Lease, LEASE_KIND } from './kinds';
import { type KubeClient } from './kube-client';
import { type LeaseLock, type LeaseRecord } from './leader-elector';

/** A LeaseLock on a Lease object, safe by the API server's optimistic concurrency. */
export class KubeLeaseLock implements LeaseLock {
  private last: Lease | undefined;

  constructor(
    private readonly client: KubeClient,
    private readonly key: { readonly namespace: string; readonly name: string },
  ) {}

  async get(signal: AbortSignal): Promise<LeaseRecord | undefined> {
    try {
      this.last = await this.client.get(LEASE_KIND, this.key, { signal });
      return toRecord(this.last);
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error;
      this.last = undefined;
      return undefined;
    }
  }

  async put(record: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord> {
    const metadata = { ...this.last?.metadata, ...this.key };
    const taken = this.last?.spec?.holderIdentity !== record.holder;
    const spec = {
      ...this.last?.spec,
      holderIdentity: record.holder,
      leaseDurationSeconds: Math.max(1, Math.round(record.durationSeconds)),
      leaseTransitions: record.transitions,
      renewTime: microTime(record.renewTime),
      ...(taken ? { acquireTime: microTime(record.renewTime) } : {}),
    };
    this.last =
      record.version === undefined
        ? await this.client.create(LEASE_KIND, { metadata: this.key, spec }, { signal })
        : await this.client.update(
            LEASE_KIND,
            { metadata: { ...metadata, resourceVersion: record.version }, spec },
            { signal },
          );
    return toRecord(this.last);
  }
}

function toRecord({ metadata, spec }: Lease): LeaseRecord {
  return {
    holder: spec?.holderIdentity ?? '',
    durationSeconds: spec?.leaseDurationSeconds ?? 0,
    transitions: spec?.leaseTransitions ?? 0,
    renewTime: new Date(spec?.renewTime ?? 0),
    ...(metadata.resourceVersion === undefined ? {} : { version: metadata.resourceVersion }),
  };
}
