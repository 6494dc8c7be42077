import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of PEM files: an authority made for this test, and a certificate of it with its key. */
export interface Certificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * An authority in `folder`, and as many certificates of it as are asked for: `issue('localhost')` for a server (valid for localhost
 * and 127.0.0.1), `issue('gateway-1')` for a client that shows that name. Needs `openssl` (apt-get install openssl). Valid for a day.
 */
export function certificateAuthority(folder: string): { readonly ca: string; issue(name: string): Certificate } {
  const path = (file: string) => join(folder, file);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const ca = path('ca.pem');
  openssl('req', '-x509', ...newKey, '-keyout', path('ca.key'), '-out', ca, '-days', '1', '-subj', '/CN=Greenpark test authority');
  const extensions = path('extensions');
  writeFileSync(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  return {
    ca,
    issue(name) {
      const [cert, key, request] = [path(`${name}.pem`), path(`${name}.key`), path(`${name}.csr`)];
      openssl('req', '-new', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
      openssl('x509', '-req', '-in', request, '-CA', ca, '-CAkey', path('ca.key'), '-CAcreateserial', '-out', cert, '-days', '1', '-extfile', extensions);
      return { ca, cert, key };
    },
  };
}
