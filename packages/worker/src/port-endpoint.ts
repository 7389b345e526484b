import type { MessagePort } from 'node:worker_threads'

/** What Comlink calls with a message; its own types are those of browsers, which an app in Node need not have. */
type MessageListener = ((event: never) => void) | { handleEvent(event: never): void }

/** Comlink's `Endpoint`. */
export interface PortEndpoint {
  postMessage(message: unknown, transfers?: readonly unknown[]): void
  addEventListener(type: string, listener: MessageListener): void
  removeEventListener(): void
}

/**
 * A port as Comlink listens to it; what is not accepted does not get through to it.
 *
 * Node's own listeners are given the data: for those of the web it makes an event, and loads 28 ms of undici for it.
 */
export function portEndpoint(
  port: MessagePort,
  accepts: (data: unknown) => boolean = () => true,
): PortEndpoint {
  return {
    postMessage: (message, transfers) => port.postMessage(message, transfers as never),
    addEventListener: (_type, listener) => {
      port.on('message', (data: unknown) => {
        if (!accepts(data)) return
        const event = { data } as never
        if (typeof listener === 'function') listener(event)
        else listener.handleEvent(event)
      })
    },
    removeEventListener: () => undefined,
  }
}
