import { Injectable } from '@nestjs/common';

/** Returns true, or the reason why the process is not ready. Must be cheap: every probe calls it. */
export type ReadinessCheck = () => true | string;

/** The checks behind `/readyz`, to which each part of a process adds its own. */
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
