import { contextBridge, ipcRenderer } from 'electron';

/** All the page gets: a way to ask for its port. Calls and events go through the port, as shared/rpc messages. */
contextBridge.exposeInMainWorld('stopbath', {
  platform: process.platform,
  connect: (): void => {
    ipcRenderer.send('stopbath:connect');
  },
});

ipcRenderer.on('stopbath:port', (event) => {
  // A port cannot cross the context bridge; a window message to our own origin can carry it.
  window.postMessage({ kind: 'stopbath-port' }, window.location.origin, [...event.ports]);
});
