import { contextBridge, ipcRenderer, webUtils } from 'electron';

/** All the page gets: a way to ask for its port, and where a dropped file lies. Calls and events go through the port, as shared/rpc messages. */
contextBridge.exposeInMainWorld('stopbath', {
  platform: process.platform,
  connect: (): void => {
    ipcRenderer.send('stopbath:connect');
  },
  /** Empty for what a page made itself. Only the person's own drop or choice gives a page a File of the disk. */
  pathForFile: (file: File): string => webUtils.getPathForFile(file),
});

ipcRenderer.on('stopbath:port', (event) => {
  // A port cannot cross the context bridge; a window message to our own origin can carry it.
  window.postMessage({ kind: 'stopbath-port' }, window.location.origin, [...event.ports]);
});
