{#- Made from the catalog by `make docs`: do not change it by hand. -#}
{{ onefile.stage('classrooms') }}
