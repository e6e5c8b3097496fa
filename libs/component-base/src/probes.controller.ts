import { Controller, Get, Header } from '@nestjs/common';
import {
  HealthCheck,
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorResult,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { Registry } from 'prom-client';
import { Readiness, type ReadinessCheck } from './readiness';

/** Probes and metrics: /healthz, /livez, /readyz and /metrics of every process. */
@Controller()
export class ProbesController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly readiness: Readiness,
    private readonly registry: Registry,
  ) {}

  @Get(['healthz', 'livez'])
  @Header('content-type', 'text/plain')
  alive(): string {
    return 'ok';
  }

  @Get('readyz')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check(
      this.readiness.entries().map(
        ([name, check]) =>
          () =>
            this.indicate(name, check),
      ),
    );
  }

  /** Prometheus' text format, version 0.0.4. */
  @Get('metrics')
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  metrics(): Promise<string> {
    return this.registry.metrics();
  }

  private indicate(name: string, check: ReadinessCheck): HealthIndicatorResult {
    const answer = check();
    const indicator = this.indicators.check(name);
    return answer === true ? indicator.up() : indicator.down(answer);
  }
}
