import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { Authenticator } from './authenticator';
import { Authorizer } from './authorizer';
import { type Visible } from '../sandboxes/sandbox-queries';
import { type Caller } from './caller';

export interface AccessOptions {
  readonly insecurePlaintext: boolean;
  /** issuers of the cluster's tokens; empty: every token is reviewed */
  readonly tokenIssuers: readonly string[];
}

/** Authentication and authorization of callers. */
export class Access {
  /** undefined with `--insecure-plaintext`: nobody is authenticated, and all may list */
  readonly authenticator: Authenticator | undefined;
  readonly authorizer: Authorizer;

  constructor(client: KubeClient, { insecurePlaintext, tokenIssuers }: AccessOptions) {
    this.authenticator = insecurePlaintext ? undefined : new Authenticator(client, tokenIssuers);
    this.authorizer = new Authorizer(client);
  }

  /**
   * The namespaces whose sandboxes the caller may list.
   * @param namespaces candidates; called only when the caller may not list all namespaces
   * @returns `all`, or the allowed ones of `namespaces`
   * @throws ApiError unavailable, when the API server cannot be asked
   */
  async listableNamespaces(caller: Caller, namespaces: () => readonly string[]): Promise<Visible> {
    if (await this.mayList(caller, '')) return 'all';
    const allowed: string[] = [];
    for (const namespace of namespaces()) if (await this.mayList(caller, namespace)) allowed.push(namespace);
    return allowed;
  }

  private mayList(caller: Caller, namespace: string): boolean | Promise<boolean> {
    if (!this.authenticator) return true;
    return this.authorizer.allows(caller, { verb: 'list', subresource: '' }, { namespace, name: '' });
  }
}
