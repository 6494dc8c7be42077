/** Name of the session cookie. */
export const SESSION_COOKIE = 'greenpark_session';

/** The session's secret in a Cookie header, or null. Where the name stands twice the first counts, as browsers send the most specific first. */
export function sessionSecret(cookieHeader: string | undefined): string | null {
  for (const pair of (cookieHeader ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === SESSION_COOKIE) return pair.slice(at + 1).trim() || null;
  }
  return null;
}

/** Set-Cookie value that signs in for `maxAgeSeconds`; 0 takes the cookie away. */
export function sessionCookie(secret: string, maxAgeSeconds: number, secure: boolean): string {
  return `${SESSION_COOKIE}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure ? '; Secure' : ''}`;
}
