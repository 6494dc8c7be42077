import Database from 'libsql';

// Holds the write lock of the registry named first, from the moment it says "held", for so many milliseconds.
const [file = '', ms = '0'] = process.argv.slice(2);
const database = new Database(file, { timeout: 5000 });
database.exec('begin immediate');
process.send?.('held');
setTimeout(() => {
  database.exec('commit');
  database.close();
  process.disconnect();
}, Number(ms));
