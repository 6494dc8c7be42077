/** Name of the session cookie. */
export const SESSION_COOKIE = 'greenpark_session';
/** Name of the cookie by which a browser is known again; see sign-in-pace.ts. Only the sign-in sees it. */
const DEVICE_COOKIE = 'greenpark_device';
/** Half a year. */
const DEVICE_SECONDS = 15_552_000;

/** The session's secret in a Cookie header, or null. Where the name stands twice the first counts, as browsers send the most specific first. */
export const sessionSecret = (cookieHeader: string | undefined): string | null => cookieValue(SESSION_COOKIE, cookieHeader);

export const deviceSecret = (cookieHeader: string | undefined): string | null => cookieValue(DEVICE_COOKIE, cookieHeader);

function cookieValue(name: string, cookieHeader: string | undefined): string | null {
  for (const pair of (cookieHeader ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim() || null;
  }
  return null;
}

/** Set-Cookie value that signs in for `maxAgeSeconds`; 0 takes the cookie away. */
export function sessionCookie(secret: string, maxAgeSeconds: number, secure: boolean): string {
  return `${SESSION_COOKIE}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure ? '; Secure' : ''}`;
}

export function deviceCookie(secret: string, secure: boolean): string {
  return `${DEVICE_COOKIE}=${secret}; Path=/api/v1/session; HttpOnly; SameSite=Strict; Max-Age=${DEVICE_SECONDS}${secure ? '; Secure' : ''}`;
}
