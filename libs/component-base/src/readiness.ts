import { Injectable } from '@nestjs/common';

/** Says why a process is not ready yet; true where it is. Must be cheap: probes call it. */
export type ReadinessCheck = () => true | string;

/** What `/readyz` asks: each part of a process adds its own check under its own name. */
@Injectable()
export class Readiness {
  private readonly checks = new Map<string, ReadinessCheck>();

  add(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  entries(): [string, ReadinessCheck][] {
    return [...this.checks];
  }
}
