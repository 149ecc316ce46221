FROM os2-test/base:1
RUN --mount=type=tmpfs,target=/scratch,size=1000000 dd if=/dev/zero of=/scratch/f bs=1 count=9 2>/dev/null && stat -c %s /scratch/f > /size
