import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { GreenparkError } from '../../model/errors.ts';

export interface TlsFiles {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
}

/** PEM texts, as node:tls and mqtt.js take them. */
export interface TlsTexts {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ca?: Buffer;
}

/**
 * Reads and checks what a configuration names. An expired certificate is a warning, as a service that does not start helps nobody.
 *
 * @param where the key of the configuration, for the messages: `mqtt.tls`
 * @throws GreenparkError `CONFIG_INVALID` when a file is missing or no PEM, or the key does not belong to the certificate
 */
export function readTls(files: TlsFiles, where: string, now: number, logger: Pick<Logger, 'warn'>): TlsTexts {
  if ((files.cert === undefined) !== (files.key === undefined)) throw invalid(`${where}: cert and key belong together; give both or neither`);
  const texts: TlsTexts = {
    ...(files.cert === undefined ? {} : { cert: read(files.cert, `${where}.cert`) }),
    ...(files.key === undefined ? {} : { key: read(files.key, `${where}.key`) }),
    ...(files.ca === undefined ? {} : { ca: read(files.ca, `${where}.ca`) }),
  };
  if (texts.ca !== undefined) certificate(texts.ca, `${where}.ca`, files.ca);
  if (texts.cert === undefined || texts.key === undefined) return texts;
  const leaf = certificate(texts.cert, `${where}.cert`, files.cert);
  const key = attempt(() => createPrivateKey(texts.key as Buffer), `${where}.key: ${files.key} holds no private key in PEM without a passphrase`);
  if (!leaf.checkPrivateKey(key)) throw invalid(`${where}.key: ${files.key} is not the key of the certificate ${files.cert}`);
  if (Date.parse(leaf.validTo) < now) logger.warn({ file: files.cert, validTo: leaf.validTo }, `${where}.cert has expired: clients will refuse it`);
  return texts;
}

const certificate = (text: Buffer, where: string, file: string | undefined): X509Certificate =>
  attempt(() => new X509Certificate(text), `${where}: ${file} holds no certificate in PEM`);

const read = (file: string, where: string): Buffer => attempt(() => readFileSync(file), `${where}: ${file} cannot be read`);

function attempt<T>(work: () => T, message: string): T {
  try {
    return work();
  } catch (error) {
    throw invalid(`${message} (${(error as Error).message})`, error);
  }
}

const invalid = (message: string, cause?: unknown): GreenparkError => new GreenparkError('CONFIG_INVALID', message, cause === undefined ? {} : { cause });
