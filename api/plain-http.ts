import type { Server } from 'node:https';
import type { Socket } from 'node:net';

const SENTENCE = 'this port speaks HTTPS alone; begin the address with https://\n';
const ANSWER = [
  'HTTP/1.1 400 Bad Request',
  'Content-Type: text/plain; charset=utf-8',
  `Content-Length: ${Buffer.byteLength(SENTENCE)}`,
  'Connection: close',
  '',
  SENTENCE,
].join('\r\n');

/** Tells a client that speaks plain HTTP to an HTTPS port so, where Node.js would end the connection without a word. */
export function answerPlainHttp(server: Server): void {
  // A failed handshake shows only the TLS socket, which cannot write in clear; the connection under it can.
  const handshakes = new Map<string, Socket>();
  const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    handshakes.set(key, socket);
    socket.once('close', () => handshakes.delete(key));
  });
  server.on('secureConnection', (socket) => handshakes.delete(keyOf(socket)));
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ERR_SSL_HTTP_REQUEST') handshakes.get(keyOf(socket))?.end(ANSWER);
  });
}
