set pagination off
set confirm off
target remote /tmp/exercise.sock
hbreak *0x1000
continue
backtrace
kill
