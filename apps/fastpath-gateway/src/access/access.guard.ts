import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Metadata } from '@grpc/grpc-js';
import { ApiError } from '@fsb/api/errors';
import { type CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { namespaceName } from '../sandboxes/field-rules';
import { CallSeats } from '../quota/call-seats';
import { Access } from './access';
import { type RequiredAccess, denied } from './authorizer';
import { type CallerAdmission, admissionOf, ANONYMOUS, setAdmission } from './caller';

const ACTIONS = 'fsb:actions';
/** Characters of a DNS subdomain, RFC 1123. */
const MAX_NAME = 253;

/**
 * Declares the actions of a handler. Its caller must be allowed all of them.
 * @example Needs({ verb: 'create', subresource: '' }, { verb: 'get', subresource: 'log' })
 */
export const Needs = (...actions: readonly RequiredAccess[]): MethodDecorator => SetMetadata(ACTIONS, actions);

interface Named {
  readonly namespace?: string;
  /** of a create */
  readonly name?: string;
  readonly sandboxName?: string;
  /** of a run */
  readonly sandbox?: CreateRequest | undefined;
}

/** Admits authenticated callers who may do what the handler {@link Needs}, in the namespace of the request. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly needs = new Map<unknown, readonly RequiredAccess[]>();

  constructor(
    private readonly access: Access,
    private readonly seats: CallSeats,
    private readonly reflector: Reflector,
  ) {}

  /**
   * @throws ApiError unauthenticated, when no interceptor has authenticated the call
   * @throws ApiError permission_denied, when an action is not allowed
   * @throws ApiError unavailable, when the API server cannot be asked
   * @throws ApiError resource_exhausted, when the namespace has too many log streams
   * @throws ApiError invalid_argument, when the namespace is malformed
   */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const { authenticator } = this.access;
    const [request, metadata] = context.getArgs<[Named, Metadata]>();
    if (!authenticator) return admitted(metadata, { caller: ANONYMOUS, isKnown: false, isAdmitted: true }); // --insecure-plaintext
    const admission = admissionOf(metadata);
    // only when the interceptor authenticationInterceptor was left out
    if (!admission.isKnown) throw new ApiError('unauthenticated', 'the call was not authenticated');
    return this.admit(metadata, admission, this.actionsOf(context.getHandler()), request);
  }

  private admit(
    call: Metadata,
    admission: CallerAdmission,
    actions: readonly RequiredAccess[],
    request: Named,
  ): boolean | Promise<boolean> {
    const { caller } = admission;
    const target = targetOf(request);
    const later: Promise<void>[] = [];
    for (const action of actions) {
      // a list of all namespaces is filtered by its handler (Access.listable)
      if (action.verb === 'list' && request.namespace === '') continue;
      const require = (isAllowed: boolean): void => {
        if (!isAllowed) throw denied(caller, action, target.namespace);
      };
      const allowed = this.access.authorizer.allows(caller, action, target);
      if (allowed instanceof Promise) later.push(allowed.then(require));
      else require(allowed);
    }
    const admit = (): true => {
      if (actions.some(({ subresource }) => subresource === 'log'))
        admission.atEnd?.(this.seats.logStream(target.namespace));
      return admitted(call, { ...admission, isAdmitted: true });
    };
    return later.length === 0 ? admit() : Promise.all(later).then(admit);
  }

  /** @throws Error when the handler has no {@link Needs} */
  private actionsOf(handler: ReturnType<ExecutionContext['getHandler']>): readonly RequiredAccess[] {
    const known = this.needs.get(handler);
    if (known) return known;
    const actions = this.reflector.get<readonly RequiredAccess[] | undefined>(ACTIONS, handler);
    if (!actions) throw new Error(`${handler.name} has no @Needs`);
    this.needs.set(handler, actions);
    return actions;
  }
}

function admitted(call: Metadata, admission: CallerAdmission): true {
  setAdmission(call, admission);
  return true;
}

/**
 * The namespace and name to authorize. A name that is too long is left out, for the handler to refuse: this bounds the
 * access reviews and the keys of their cache.
 */
function targetOf(request: Named): { namespace: string; name: string } {
  const { namespace = '', sandboxName, name = '' }: Named = request.sandbox ?? request;
  const named = sandboxName ?? name;
  return { namespace: namespaceName(namespace), name: named.length > MAX_NAME ? '' : named };
}
