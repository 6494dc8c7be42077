import { GreenparkError } from '../../model/errors.ts';

/** Names shown of what still holds a record; the rest is counted. */
const SHOWN = 5;

/** Refuses to delete `what` while anything names it: `holders` lists them by kind. */
export function refuseWhileNamed(what: string, holders: Readonly<Record<string, readonly string[]>>): void {
  const told = Object.entries(holders)
    .filter(([, names]) => names.length > 0)
    .map(([kind, names]) => `${kind} ${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''}`);
  if (told.length > 0) throw new GreenparkError('CONFLICT', `${what} cannot be deleted: it is named by ${told.join('; ')}`);
}

/** Ids of meters and gateways hold over all parks: another park's cannot be taken. */
export function refuseOtherPark(what: string, id: string): never {
  throw new GreenparkError('CONFLICT', `${what} "${id}" is already registered in another park; choose another id`);
}
