FROM scratch
ADD --keep-git-dir=true http://127.0.0.1:1/repository.git#v1.0 /src
