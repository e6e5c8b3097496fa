import { z } from 'zod';
import { type PropagationPolicy } from '../rest/deletion';
import { type FieldValidation } from '../rest/object-rules';
import { type DeleteOptions, type WriteOptions } from '../rest/resource-rest';
import { StatusError } from '../status-error';

const FIELD_VALIDATIONS: readonly FieldValidation[] = ['Strict', 'Warn', 'Ignore'];

const POLICIES: readonly PropagationPolicy[] = ['Foreground', 'Background', 'Orphan'];

const deleteOptions = z.object({
  gracePeriodSeconds: z.int().nullish(),
  preconditions: z.object({ uid: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
  propagationPolicy: z.string().nullish(),
  orphanDependents: z.boolean().nullish(),
  dryRun: z.array(z.string()).nullish(),
});

/** @throws StatusError 400 */
export function positive(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) throw StatusError.badRequest(`${name}: "${text}" is not a number from 0 on`);
  return Number(text);
}

/** @throws StatusError 400 */
export function writeOptions(query: URLSearchParams): WriteOptions {
  const validation = query.get('fieldValidation') ?? '';
  const fieldValidation = validation === '' ? 'Warn' : FIELD_VALIDATIONS.find((item) => item === validation);
  if (!fieldValidation) throw StatusError.badRequest(`fieldValidation: "${validation}" is not Strict, Warn or Ignore`);
  return { fieldValidation, dryRun: dryRun(query.getAll('dryRun')) };
}

/** DeleteOptions of the body, else of the query. @throws StatusError 400, 422 */
export function parseDeleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const parsed = deleteOptions.safeParse(body);
  if (!parsed.success) throw StatusError.badRequest(`DeleteOptions: ${z.prettifyError(parsed.error)}`);
  const { preconditions, propagationPolicy, orphanDependents } = parsed.data;
  const policy = policyOf(propagationPolicy ?? query.get('propagationPolicy') ?? undefined, orphanDependents);
  const grace = parsed.data.gracePeriodSeconds ?? positive(query, 'gracePeriodSeconds');
  return {
    dryRun: dryRun([...query.getAll('dryRun'), ...(parsed.data.dryRun ?? [])]),
    ...(grace !== undefined && { gracePeriodSeconds: grace }),
    ...(policy !== undefined && { propagationPolicy: policy }),
    preconditions: present(preconditions ?? {}),
  };
}

/** @param orphans orphanDependents, the field that preceded propagationPolicy */
function policyOf(text: string | undefined, orphans: boolean | null | undefined): PropagationPolicy | undefined {
  if (text === undefined) return orphans == null ? undefined : orphans ? 'Orphan' : 'Background';
  const policy = POLICIES.find((item) => item === text);
  const field = 'propagationPolicy';
  const causes = [
    ...(orphans == null
      ? []
      : [
          {
            reason: 'FieldValueInvalid',
            field,
            message: `Invalid value: "${text}": orphanDependents and deletionPropagation cannot be both set`,
          },
        ]),
    ...(policy
      ? []
      : [
          {
            reason: 'FieldValueNotSupported',
            field,
            message: `Unsupported value: "${text}": supported values: "Foreground", "Background", "Orphan"`,
          },
        ]),
  ];
  if (causes.length > 0) throw StatusError.invalid('DeleteOptions', 'meta.k8s.io', '', causes);
  return policy;
}

function present({
  uid,
  resourceVersion,
}: {
  uid?: string | null | undefined;
  resourceVersion?: string | null | undefined;
}): {
  uid?: string;
  resourceVersion?: string;
} {
  return { ...(uid != null && { uid }), ...(resourceVersion != null && { resourceVersion }) };
}

function dryRun(values: readonly string[]): boolean {
  const wrong = values.find((value) => value !== 'All' && value !== '');
  if (wrong !== undefined) throw StatusError.badRequest(`dryRun: "${wrong}" is not All`);
  return values.includes('All');
}
