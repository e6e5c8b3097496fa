import { type CanActivate, Injectable } from '@nestjs/common';
import { ApiError } from '@fsb/api/errors';
import { SandboxLifecycle } from '../sandboxes/sandbox-lifecycle';

/** Refuses calls until the agent has restored its sandboxes: an empty status would mean that they are all gone. */
@Injectable()
export class RestoredGuard implements CanActivate {
  constructor(private readonly lifecycle: SandboxLifecycle) {}

  canActivate(): boolean {
    if (this.lifecycle.restored) return true;
    throw new ApiError('unavailable', 'the agent has just started and still asks containerd what it has');
  }
}
