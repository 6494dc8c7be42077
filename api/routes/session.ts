import Type from 'typebox';
import { covers, type Principal } from '../../model/access.ts';
import { GreenparkError } from '../../model/errors.ts';
import { isoIn } from '../../model/period.ts';
import { deviceCookie, sessionCookie } from '../auth/cookie.ts';
import type { ApiDeps } from '../deps.ts';
import { nothing, ok, type Route, route } from '../route.ts';
import { SCHEMAS, shape } from '../schemas.ts';

const path = '/api/v1/session';
const tag = 'session';

const who = (principal: Principal, deps: ApiDeps) => ({
  name: principal.name,
  role: principal.role,
  scope: principal.scope,
  parks: [...deps.directory.current.parks.values()]
    .filter(
      (park) =>
        covers(principal.scope, { park: park.id, region: park.region, enterprise: null }) || ('park' in principal.scope && principal.scope.park === park.id),
    )
    .map(({ id, name, nameEn, region, timeZone }) => ({ id, name, nameEn: nameEn ?? null, region, timeZone })),
});

export const sessionRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag,
    summary: 'Signs in; a session cookie comes back',
    access: { kind: 'public', why: 'who signs in is not signed in yet' },
    limited: 'sign-in',
    body: shape({ username: Type.String({ minLength: 1, maxLength: 64 }), password: Type.String({ minLength: 1, maxLength: 200 }) }),
    answers: { 200: SCHEMAS.Session },
    async handle({ body, request }, deps) {
      const signedIn = await deps.auth.signIn(body.username, body.password, request.headers.cookie);
      if (signedIn === null) throw new GreenparkError('UNAUTHENTICATED', 'user name or password is wrong');
      const cookies = [sessionCookie(signedIn.secret, signedIn.maxAgeSeconds, request.secure), deviceCookie(signedIn.device, request.secure)];
      const body200 = { ...who(signedIn.principal, deps), expiresAt: isoIn(signedIn.expiresAt, 'Asia/Shanghai') };
      return { status: 200, body: body200, headers: { 'Set-Cookie': cookies } };
    },
  }),
  route({
    method: 'get',
    path,
    tag,
    summary: 'Who am I, and what may I see',
    access: { kind: 'signed-in', why: 'tells the principal about itself alone' },
    answers: { 200: SCHEMAS.Session },
    handle: ({ principal }, deps) => ok(who(principal, deps)),
  }),
  route({
    method: 'delete',
    path,
    tag,
    summary: 'Signs out',
    access: { kind: 'public', why: 'ends only the session whose cookie it carries; one that has ended may be ended again' },
    answers: { 204: null },
    async handle({ request }, deps) {
      await deps.auth.signOut(request.headers.cookie);
      return { ...nothing, headers: { 'Set-Cookie': sessionCookie('', 0, request.secure) } };
    },
  }),
];
