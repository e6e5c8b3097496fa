import 'reflect-metadata'; // required by tsyringe, a dependency of x509, at import
import { createPrivateKey, KeyObject, randomBytes, webcrypto, X509Certificate as NodeCertificate } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

export interface KeyPair {
  /** PEM */
  readonly cert: string;
  readonly key: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
const SERVER_DAYS = 825;
const CLIENT_DAYS = 365;
const RENEW_BEFORE_DAYS = 90;

/** A self-signed CA, valid for ten years. */
export async function makeCa(name = 'fast-sandbox-ca'): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const cert = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(CA_DAYS),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { cert: cert.toString('pem'), key: pemOf(keys.privateKey) };
}

/**
 * A server's certificate. @param names the DNS names and IP addresses that clients use
 * @param days until it expires
 */
export function makeServerCertificate(ca: KeyPair, names: readonly string[], days = SERVER_DAYS): Promise<KeyPair> {
  return makeCertificate(ca, {
    subject: 'CN=fast-sandbox-server',
    usage: ExtendedKeyUsage.serverAuth,
    days,
    extensions: [
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIp(value) ? 'ip' : 'dns', value }))),
    ],
  });
}

/**
 * A client's certificate. @param subject as in `O=system:masters,CN=admin`
 * @param days until it expires
 */
export function makeClientCertificate(ca: KeyPair, subject: string, days = CLIENT_DAYS): Promise<KeyPair> {
  return makeCertificate(ca, { subject, usage: ExtendedKeyUsage.clientAuth, days, extensions: [] });
}

interface Wanted {
  readonly subject: string;
  readonly usage: ExtendedKeyUsage;
  readonly days: number;
  readonly extensions: readonly Extension[];
}

async function makeCertificate(ca: KeyPair, { subject, usage, days, extensions }: Wanted): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const issuer = new X509Certificate(ca.cert);
  const cert = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await signingKey(ca.key),
    signingAlgorithm: ALGORITHM,
    ...validity(days),
    extensions: [
      new BasicConstraintsExtension(false),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage]),
      ...extensions,
    ],
  });
  return { cert: cert.toString('pem'), key: pemOf(keys.privateKey) };
}

/**
 * Whether a certificate need not be renewed: it is valid for another 90 days, signed by the CA, and covers all names.
 * @param cert PEM
 * @param ca PEM
 */
export function isCurrent(cert: string, ca: string, names: readonly string[]): boolean {
  const certificate = new NodeCertificate(cert);
  const covered = names.every((name) => (isIp(name) ? certificate.checkIP(name) : certificate.checkHost(name)));
  const endsMs = Date.parse(certificate.validTo);
  return (
    covered && certificate.verify(new NodeCertificate(ca).publicKey) && endsMs > Date.now() + RENEW_BEFORE_DAYS * DAY_MS
  );
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  // starts an hour ago, because clocks of two machines differ
  return { notBefore: new Date(Date.now() - DAY_MS / 24), notAfter: new Date(Date.now() + days * DAY_MS) };
}

/** Serial number of 128 bits. The first bit is 0: the number is positive, and needs no padding byte. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString('hex');
}

function signingKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}

function pemOf(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function isIp(name: string): boolean {
  return /^[\d.]+$|:/.test(name);
}
