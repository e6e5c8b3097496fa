import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { get } from '../probe';

const pem = z
  .base64()
  .transform((text) => Buffer.from(text, 'base64').toString())
  .optional();
const kubeconfig = z.object({
  clusters: z
    .array(z.object({ cluster: z.object({ server: z.url(), 'certificate-authority-data': pem }) }))
    .length(1)
    .transform(([first]) => first?.cluster),
  users: z
    .array(
      z.object({
        user: z.object({ token: z.string().optional(), 'client-certificate-data': pem, 'client-key-data': pem }),
      }),
    )
    .length(1)
    .transform(([first]) => first?.user),
});

export type ApiReader = (path: string) => Promise<{ status: number; body: string }>;

/**
 * GET as the one user of a kubeconfig. The client library would cost the supervisor 65 MB for one or two requests.
 * @param file kubeconfig with one cluster and one user, credentials inline
 * @throws z.ZodError when the file has another form
 */
export function apiReader(file: string): ApiReader {
  const { clusters: cluster, users: user } = kubeconfig.parse(parse(readFileSync(file, 'utf8')));
  const options = {
    ca: cluster?.['certificate-authority-data'],
    token: user?.token,
    cert: user?.['client-certificate-data'],
    key: user?.['client-key-data'],
  };
  return (path) => get(`${cluster?.server ?? ''}${path}`, options);
}
