import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { ApiError } from '@fsb/api/errors';
import { type FastifyRequest } from 'fastify';

/** The injection token of the bearer token's text. */
export const AGENT_TOKEN = Symbol('AgentToken');

/** Only those who show the installation's token. */
@Injectable()
export class BearerGuard implements CanActivate {
  private readonly expected: Buffer;

  constructor(@Inject(AGENT_TOKEN) token: string) {
    if (token.trim() === '') throw new Error('the agent token is empty');
    this.expected = digest(`Bearer ${token.trim()}`);
  }

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    if (timingSafeEqual(digest(headers.authorization ?? ''), this.expected)) return true;
    throw new ApiError('unauthenticated', 'the agent wants "Authorization: Bearer <token of the installation>"');
  }
}

/** Of equal length for any input, as timingSafeEqual needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
