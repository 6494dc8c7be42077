import { shallowRef } from 'vue';
import { forget } from './live/connection.ts';
import { RestError, type Session, signOut, whoAmI } from './rest.ts';

/** Who is signed in; null for nobody, undefined as long as it was not asked. */
export const session = shallowRef<Session | null | undefined>(undefined);

/** Asks the service once who is signed in. Rejects when the service cannot be reached. */
export async function knownSession(): Promise<Session | null> {
  if (session.value !== undefined) return session.value;
  try {
    session.value = await whoAmI();
  } catch (error) {
    if (!(error instanceof RestError) || error.status !== 401) throw error;
    session.value = null;
  }
  return session.value;
}

/** The session ended: by the user, or because the service says so. */
export function endSession(): void {
  session.value = null;
  forget();
}

export async function leave(): Promise<void> {
  await signOut();
  endSession();
}
