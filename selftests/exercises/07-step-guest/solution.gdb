set pagination off
set confirm off
target remote /tmp/exercise.sock
hbreak leaf
continue
backtrace
stepi
info registers rip
print counter
watch counter
continue
kill
