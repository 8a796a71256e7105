select
    presence.customer,
    presence.learner_id,
    {{ onefile.full_name('presence.first_name', 'presence.last_name') }} as learner,
    presence.misid,
    presence.organisation,
    learners.status,
    {{ onefile.uk_day('presence.loaded_at') }} as last_found,
    case
        when presence.deleted_at is not null then 'the loader has marked it as deleted'
        when learners.is_archived then 'it is among the archived learners'
        else 'the last run did not find it'
    end as reason
from {{ ref('int_onefile_presence') }} as presence
left join {{ ref('onefile_learners') }} as learners
    on presence.customer = learners.customer and presence.learner_id = learners.learner_id
where presence.deleted_at is not null or presence.is_gone
union all
select distinct
    customer,
    cast(null as {{ dbt.type_bigint() }}),
    cast(null as {{ dbt.type_string() }}),
    cast(null as {{ dbt.type_string() }}),
    cast(null as {{ dbt.type_string() }}),
    cast(null as {{ dbt.type_string() }}),
    cast(null as date),
    refusal
from {{ ref('int_onefile_presence') }}
where refusal is not null
