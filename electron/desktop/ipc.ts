import { ipcMain, MessageChannelMain, type MessagePortMain, type WebFrameMain } from 'electron';
import { sendEvent, serveCalls, type Pipe } from '../../shared/rpc.ts';
import type { App } from '../core/app.ts';
import { isAppAddress } from './address.ts';

/** Gives every page of ours that asks for it a port to the core. The only raw IPC there is. */
export function serveWindows(core: Pick<App, 'events' | 'handlers'>): void {
  ipcMain.on('stopbath:connect', ({ senderFrame }) => {
    if (senderFrame === null || !isTrustedFrame(senderFrame)) return;
    const { port1, port2 } = new MessageChannelMain();
    const pipe = portPipe(port1);
    const stop = core.events.on((name, value) => sendEvent(pipe, name, value));
    pipe.onClose(stop);
    serveCalls(pipe, core.handlers);
    // Ports of the main process hold their messages back until they are started.
    port1.start();
    senderFrame.postMessage('stopbath:port', null, [port2]);
  });
}

/** The top frame of a window that shows our interface. */
export function isTrustedFrame(frame: Pick<WebFrameMain, 'parent' | 'url'>): boolean {
  return frame.parent === null && isAppAddress(frame.url);
}

function portPipe(port: MessagePortMain): Pipe {
  return {
    send: (message) => port.postMessage(message),
    onMessage: (listener) => {
      port.on('message', ({ data }) => listener(data));
    },
    onClose: (listener) => {
      port.once('close', listener);
    },
  };
}
