import type { Socket } from 'node:net';

/**
 * Nothing is read from the socket while `isHeld`: what a sender has beyond its turn stays in its own socket. aedes reads no further while it owes
 * the answer to a message, but each `readable` event counts as an answer to it, and a message longer than one read makes several.
 */
export function readUnless(isHeld: () => boolean, socket: Socket): void {
  const read = socket.read.bind(socket);
  // Of size 0 Node.js asks itself, to fill its buffer up to where it stops.
  socket.read = (size?: number) => (size !== 0 && isHeld() ? null : read(size));
}
