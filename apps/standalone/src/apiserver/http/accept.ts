import { StatusError } from '../status-error';

/** Form of an answer, always JSON. */
export interface Form {
  readonly as: 'Object' | 'Table' | 'PartialObjectMetadata';
  /** version of meta.k8s.io for Table and PartialObjectMetadata */
  readonly version: string;
}

const PLAIN: Form = { as: 'Object', version: '' };
const JSON_TYPES = ['application/json', 'application/*', '*/*', ''];

/** The first form of an Accept header that is served here. @throws StatusError 406 */
export function acceptedForm(header = ''): Form {
  for (const entry of header.split(',')) {
    const form = formOf(entry);
    if (form) return form;
  }
  const message = 'only application/json is served, also with as=Table or as=PartialObjectMetadata';
  throw new StatusError(406, 'NotAcceptable', message);
}

function formOf(entry: string): Form | undefined {
  const [type = '', ...parameters] = entry.split(';').map((part) => part.trim());
  if (!JSON_TYPES.includes(type)) return undefined;
  const valueOf = (name: string): string | undefined =>
    parameters.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
  const as = valueOf('as');
  const version = valueOf('v') ?? 'v1';
  if (as === undefined) return PLAIN;
  if (version !== 'v1' && version !== 'v1beta1') return undefined;
  if (as === 'Table') return { as, version };
  return as.startsWith('PartialObjectMetadata') ? { as: 'PartialObjectMetadata', version } : undefined;
}
